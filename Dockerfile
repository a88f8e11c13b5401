# The demo site under gunicorn. The build needs no secret; the container wants SECRET_KEY,
# REDIS_URL, DATABASE_URL and ALLOWED_HOSTS: see docker-compose.yml.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements/server.txt .
RUN /venv/bin/pip install --require-hashes --only-binary=:all: -r server.txt
WORKDIR /site
COPY manage.py ./
COPY otp_gate otp_gate
COPY site_project site_project
COPY templates templates
RUN DEBUG=0 SECRET_KEY=build REDIS_URL=redis://none /venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DEBUG=0
RUN useradd --system --no-create-home --shell /usr/sbin/nologin site
COPY --from=build /venv /venv
COPY --from=build /site /site
WORKDIR /site
USER site
EXPOSE 8000
CMD ["gunicorn", "site_project.wsgi", "--bind=0.0.0.0:8000", "--workers=4", "--access-logfile=-", "--worker-tmp-dir=/dev/shm"]
