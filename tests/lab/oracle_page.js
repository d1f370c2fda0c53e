// What a web client does, in Chromium's own words. Runs in an empty page; gives a plain object.
async (asked) => {
  const within = (promise, otherwise) =>
    Promise.race([promise, new Promise((resolve) => setTimeout(resolve, asked.limit_ms, otherwise))]);

  // Any answer of the host counts here; its status is seen by the DevTools' network events.
  const reach = (url) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), asked.limit_ms);
    return fetch(url, { mode: "no-cors", cache: "no-store", signal: stop.signal }).then(() => {}, () => {});
  };

  const open = (url) => {
    const socket = new WebSocket(url, "xmpp");
    const frame = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="${asked.domain}" version="1.0"/>`;
    const ended = new Promise((resolve) => {
      socket.onopen = () => socket.send(frame);
      socket.onmessage = ({ data }) => {
        const top = new DOMParser().parseFromString(data, "text/xml").documentElement;
        if (top.localName === "open") resolve(`open ${socket.protocol} ${top.getAttribute("from")}`);
      };
      socket.onclose = () => resolve("closed");
    });
    return within(ended, "silence").finally(() => socket.close());
  };

  // Two peers and one message there and back. Candidates that mDNS hides from the other side are kept back.
  const talk = async (here, there) => {
    const peers = [new RTCPeerConnection(here), new RTCPeerConnection(there)];
    const kinds = [new Set(), new Set()];
    let agree;
    const agreed = new Promise((resolve) => (agree = resolve));
    peers.forEach((peer, number) => {
      peer.onicecandidate = async ({ candidate }) => {
        if (!candidate || candidate.type === "host") return;
        kinds[number].add(candidate.type);
        await agreed;
        await peers[1 - number].addIceCandidate(candidate);
      };
    });
    const channel = peers[0].createDataChannel("oracle");
    peers[1].ondatachannel = ({ channel: far }) => (far.onmessage = ({ data }) => far.send(data + " and back"));
    const echo = new Promise((resolve) => {
      channel.onopen = () => channel.send("there");
      channel.onmessage = ({ data }) => resolve(data === "there and back");
    });
    await peers[0].setLocalDescription();
    await peers[1].setRemoteDescription(peers[0].localDescription);
    await peers[1].setLocalDescription();
    await peers[0].setRemoteDescription(peers[1].localDescription);
    agree();
    const came = await within(echo, false);
    peers.forEach((peer) => peer.close());
    return { came, kinds };
  };

  const server = (urls) => ({ urls, username: asked.user, credential: asked.password });
  const call = async (uri) => {
    const relayed = { iceServers: [server([uri])], iceTransportPolicy: "relay" };
    const { came, kinds } = await talk(relayed, relayed);
    return came ? "echo" : kinds.every((seen) => seen.has("relay")) ? "relay" : "nothing";
  };
  // A conference server as the firewall sees it: the far end is a relayed port, and we send to it from a plain socket.
  const range = async (host) => {
    const uris = Object.values(asked.turn).filter((uri) => uri.includes(`:${host}:`));
    const far = { iceServers: [server(uris)], iceTransportPolicy: "relay" };
    const near = { iceServers: [{ urls: [`stun:${host}:3478`] }] };
    return (await talk(far, near)).came ? "echo" : "nothing";
  };

  const each = async (table, ask) =>
    Object.fromEntries(await Promise.all(Object.entries(table).map(async ([key, value]) => [key, await ask(value)])));
  const reached = each(asked.fetch, reach);
  if (asked.one_by_one) await reached;
  const [websocket, turn, ranges] = await Promise.all([
    each(asked.websocket, open), each(asked.turn, call), each(asked.range, range), reached,
  ]);
  return { websocket, turn, range: ranges };
}
