# npm run build, then from the top folder: docker build -f deploy/agent.Dockerfile -t registry.example.com/flotilla/agent:0.1.0 .
FROM node:24-slim
COPY agents/dist/agent.mjs /opt/flotilla/agent.mjs
USER 10001
# A small young generation keeps an idle agent near 60 MB.
ENTRYPOINT ["node", "--max-semi-space-size=1", "--max-old-space-size=160", "/opt/flotilla/agent.mjs"]
