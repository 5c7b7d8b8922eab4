# The production image: Debian slim, Python 3.11 (what the tests run on), packages checked against their hashes,
# no compiler, no pip, an unprivileged user. One image runs every process; docker-compose.yml says which.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv --without-pip .venv
COPY requirements.lock ./
# Wheels only: a package that would have to be compiled stops the build, instead of asking for a compiler.
RUN pip --python .venv/bin/python install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml celeryconfig.py ./
COPY worker worker
COPY templates templates
COPY deploy/healthcheck.py deploy/healthcheck.py
# Editable, because code and templates find each other by one relative path; the build tools leave again.
RUN pip --python .venv/bin/python install --no-cache-dir --no-build-isolation --no-deps --editable . \
    && pip --python .venv/bin/python uninstall --yes hatchling editables trove-classifiers pathspec pluggy \
    && .venv/bin/python -m compileall -q worker celeryconfig.py

FROM python:3.11-slim-bookworm
RUN pip uninstall --yes --root-user-action ignore setuptools wheel pip \
    && useradd --system --uid 10001 --home-dir /var/lib/nurture --shell /usr/sbin/nologin nurture \
    # A named volume takes the owner of the folder it is mounted on, so these must exist here.
    && install -d -o nurture -g nurture -m 0700 /var/lib/nurture /var/lib/nurture/spool /var/lib/nurture/alerts
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NURTURE_STATE_DIR=/var/lib/nurture NURTURE_BIND=0.0.0.0:8600
WORKDIR /app
USER nurture
EXPOSE 8600
CMD ["python", "-m", "worker.web"]
