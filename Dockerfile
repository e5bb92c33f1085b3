# syntax=docker/dockerfile:1

# The package is JavaScript alone: made on the machine that builds, whatever it is built for, so that nothing is emulated.
FROM --platform=$BUILDPLATFORM node:24-slim AS package
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN mkdir /package /empty && npm pack --pack-destination /package
# Without the embedded PostgreSQL, which only `tidegate demo` starts.
RUN npm install --global --prefix /opt/tidegate --omit=dev --omit=optional --ignore-scripts /package/tidegate-*.tgz

FROM node:24-slim
LABEL org.opencontainers.image.title="tidegate" \
      org.opencontainers.image.description="Writes what devices publish on MQTT into PostgreSQL, exactly once." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    PATH=/opt/tidegate/bin:$PATH \
    CREDENTIALS_DIRECTORY=/var/lib/tidegate/credentials \
    TIDEGATE_HTTP_HOST=0.0.0.0
COPY --from=package /opt/tidegate /opt/tidegate
COPY --chmod=755 config/container/entrypoint.sh /opt/tidegate/entrypoint.sh
# A new volume takes the owner of the folder that it covers.
COPY --from=package --chown=node:node /empty /var/lib/tidegate
COPY --from=package --chown=node:node /empty /run/tidegate
USER node
VOLUME /var/lib/tidegate
EXPOSE 8001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TIDEGATE_HTTP_PORT || 8001}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/opt/tidegate/entrypoint.sh"]
CMD ["run"]
