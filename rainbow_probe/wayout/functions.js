// What a PAC file may call, as browsers offer it (Netscape 1996, and Microsoft's ...Ex): written for this probe.
// nativeResolve, nativeInNet, and the words mine, mineAll come from the interpreter around it.

function dnsResolve(host) {
  return JSON.parse(nativeResolve(String(host))).filter((a) => !a.includes(":"))[0] || null;
}
function dnsResolveEx(host) {
  return JSON.parse(nativeResolve(String(host))).join(";");
}
function myIpAddress() {
  return mine;
}
function myIpAddressEx() {
  return mineAll;
}
function isResolvable(host) {
  return dnsResolve(host) !== null;
}
function isResolvableEx(host) {
  return dnsResolveEx(host) !== "";
}
function isPlainHostName(host) {
  return !/[.:]/.test(host);
}
function dnsDomainIs(host, domain) {
  return host.length >= domain.length && host.substring(host.length - domain.length) === domain;
}
function localHostOrDomainIs(host, name) {
  return host === name || name.startsWith(host + ".");
}
function dnsDomainLevels(host) {
  return host.split(".").length - 1;
}
function convert_addr(address) {
  return address.split(".").reduce((sum, octet) => (sum << 8) | (Number(octet) & 255), 0);
}
function isInNet(host, network, mask) {
  const literal = /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
  const address = literal ? host : dnsResolve(host);
  if (address === null || address.split(".").some((octet) => Number(octet) > 255)) return false;
  const bits = convert_addr(mask);
  return (convert_addr(address) & bits) === (convert_addr(network) & bits);
}
function isInNetEx(address, prefix) {
  return nativeInNet(String(address), String(prefix));
}
function sortIpAddressList(list) {
  const parts = String(list).split(";").map((part) => part.trim()).filter((part) => part);
  const six = parts.filter((part) => part.includes(":")).sort();
  return [...six, ...parts.filter((part) => !part.includes(":")).sort()].join(";");
}
function shExpMatch(text, pattern) {
  const expression = pattern.replace(/\./g, "\\.").replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp("^" + expression + "$").test(text);
}
function alert() {}

function clockOf(given) {
  const words = [...given];
  const utc = words[words.length - 1] === "GMT";
  if (utc) words.pop();
  const now = new Date();
  const get = (name) => now[(utc ? "getUTC" : "get") + name]();
  return { words, get };
}
function between(first, now, last) {
  return first <= last ? first <= now && now <= last : first <= now || now <= last;
}
function weekdayRange() {
  const { words, get } = clockOf(arguments);
  const [first, last] = [words[0], words[words.length - 1]].map((day) =>
    ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].indexOf(day)
  );
  return first >= 0 && last >= 0 && between(first, get("Day"), last);
}
function dateRange() {
  const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
  const { words, get } = clockOf(arguments);
  const weight = { FullYear: 10000, Month: 100, Date: 1 };
  const read = (word) =>
    isNaN(word) ? ["Month", months.indexOf(word)] : Number(word) > 31 ? ["FullYear", Number(word)] : ["Date", Number(word)];
  const half = words.length > 1 ? words.length / 2 : 1;
  const add = (some) => some.reduce((sum, [unit, value]) => sum + weight[unit] * value, 0);
  const first = words.slice(0, half).map(read);
  const last = words.slice(-half).map(read);
  if (!words.length || [...first, ...last].some(([, value]) => value < 0)) return false;
  return between(add(first), add(first.map(([unit]) => [unit, get(unit)])), add(last));
}
function timeRange() {
  const { words, get } = clockOf(arguments);
  const numbers = words.map(Number);
  const hour = get("Hours");
  if (numbers.length === 1) return hour === numbers[0];
  if (numbers.length === 2) return numbers[0] <= hour && hour <= numbers[1];
  const seconds = ([h, m, s]) => h * 3600 + m * 60 + s;
  const [first, last] =
    numbers.length === 4
      ? [[numbers[0], numbers[1], 0], [numbers[2], numbers[3], 59]]
      : [numbers.slice(0, 3), numbers.slice(3)];
  return between(seconds(first), seconds([hour, get("Minutes"), get("Seconds")]), seconds(last));
}
