# The probe in a container, as a user without rights: `docker run --rm --network host rainbow-probe` runs the readiness
# test of the host's own network; without `--network host` it judges the container's.
FROM docker.io/library/python:3.11-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/rainbow-probe \
    && /opt/rainbow-probe/bin/python -m pip install --no-cache-dir --disable-pip-version-check -c constraints.txt . \
    && /opt/rainbow-probe/bin/python -m pip uninstall --yes --quiet setuptools pip

FROM docker.io/library/python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home probe
COPY --from=build /opt/rainbow-probe /opt/rainbow-probe
ENV PATH=/opt/rainbow-probe/bin:$PATH
USER probe
WORKDIR /home/probe
ENTRYPOINT ["rainbow-probe"]
CMD ["run"]
