export { prettyYaml, yamlDocuments } from '@flotilla/core/yaml/print-yaml'
