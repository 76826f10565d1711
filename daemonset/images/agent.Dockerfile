# SPDX-License-Identifier: Apache-2.0
# vakt-agent: its libraries, two programs and the rules. No shell, no package manager. Built by
# scripts/build-images, which makes the base and puts programs, rules and lists into the context.
ARG BASE=localhost/vakt/base-agent
FROM ${BASE} AS base

FROM scratch AS files
COPY --from=base / /
COPY bin/vakt-agent bin/vaktctl /usr/bin/
COPY rules /usr/share/vakt/rules
COPY seccomp-agent.json /usr/share/vakt/seccomp-agent.json
COPY agent.spdx.json /usr/share/doc/vakt/sbom.spdx.json
COPY LICENSE /usr/share/doc/vakt/LICENSE

FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="vakt-agent" \
      org.opencontainers.image.description="Watches a node's processes, files and connections" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=files / /
# Root of the node's kind, with the capabilities that the pod gives it: docs/reference/capabilities.md.
USER 0:0
ENTRYPOINT ["/usr/bin/vakt-agent"]
