# npm run build, then from the top folder: docker build -f deploy/agent.Dockerfile -t registry.example.com/flotilla/agent:0.1.0 .
FROM node:24-slim
COPY agents/dist/ /opt/flotilla/
USER 10001
# Small: docs/running.md has what each of these saves, and which to leave out where one agent applies very much.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=65536 MALLOC_MMAP_THRESHOLD_=8192
ENTRYPOINT ["node", "--max-semi-space-size=2", "--max-old-space-size=160", "--no-opt", "--no-concurrent-recompilation", "--invocation-count-for-maglev=1000", "--v8-pool-size=1", "--expose-gc", "/opt/flotilla/agent.mjs"]
