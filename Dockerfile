# Two targets: `cpu`, the default, and `gpu`. docs/deployment.md says how to run them.
#
# The base needs Debian 13 or something as new: Python 3.11 or newer with `venv`, SQLite 3.42 and
# libseccomp. For builds that can be repeated, name it by its digest (BASE_IMAGE=...@sha256:...).
# checkov:skip=CKV_DOCKER_7: it has a version, which checkov doesn't see in the argument
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS python
# The sandbox of uploads needs it; without it the service would run, with a warning.
RUN ["python3", "-c", "import ctypes; ctypes.CDLL('libseccomp.so.2')"]
ENV PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH

FROM python AS packages-cpu
COPY requirements/serving-cpu.txt /tmp/requirements.txt
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --only-binary :all: --requirement /tmp/requirements.txt

FROM python AS packages-gpu
COPY requirements/serving-gpu.txt /tmp/requirements.txt
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --only-binary :all: --requirement /tmp/requirements.txt

FROM python AS service
LABEL org.opencontainers.image.title="Rotograph" \
      org.opencontainers.image.description="REST microservice that finds, cuts out and follows the moving objects of a video." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 rotograph \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin rotograph \
    && install --directory --owner 10001 --group 10001 /data
WORKDIR /app
COPY LICENSE ./
COPY weights/*.onnx weights/
COPY pipeline/ pipeline/
COPY formats/ formats/
COPY jobs/ jobs/
COPY service/ service/
# The root may be read-only, so that Python couldn't keep what it compiles.
RUN ["python3", "-m", "compileall", "-q", "pipeline", "formats", "jobs", "service"]
ENV ROTOGRAPH_HOST=0.0.0.0 ROTOGRAPH_PORT=8000 ROTOGRAPH_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=15s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['ROTOGRAPH_PORT']}/livez\", timeout=12)"]
ENTRYPOINT ["python", "-m", "service"]

FROM service AS gpu
COPY --from=packages-gpu /opt/venv /opt/venv
ENV ROTOGRAPH_DEVICE=cuda NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM service AS cpu
COPY --from=packages-cpu /opt/venv /opt/venv
