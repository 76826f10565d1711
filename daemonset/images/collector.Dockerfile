# SPDX-License-Identifier: Apache-2.0
# vakt-collector: its libraries and two programs. No shell, no package manager, no root. Built by
# scripts/build-images, which makes the base and puts programs and lists into the context.
ARG BASE=localhost/vakt/base-collector
FROM ${BASE} AS base

FROM scratch AS files
COPY --from=base / /
COPY bin/vakt-collector bin/vaktctl /usr/bin/
COPY collector.spdx.json /usr/share/doc/vakt/sbom.spdx.json
COPY LICENSE /usr/share/doc/vakt/LICENSE

FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="vakt-collector" \
      org.opencontainers.image.description="Takes alerts from agents, keeps them, hands them to analysts" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=files / /
USER 65532:65532
EXPOSE 7443 7445
ENTRYPOINT ["/usr/bin/vakt-collector"]
