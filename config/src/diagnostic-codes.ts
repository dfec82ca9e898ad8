import type { YamlCode } from '@flotilla/core/yaml/yaml-codes'

export interface CodeEntry {
  /** `either`: the message says which; an error where ignoring would be unsafe, else a warning. */
  readonly severity: 'error' | 'warning' | 'either'
  /** What it means, as a sentence. */
  readonly meaning: string
  /** How to mend it. */
  readonly remedy: string
}

/**
 * Every code that reading a config repo, offline or in the hub, can report. docs/diagnostics.md lists the same codes;
 * a test holds the two together.
 */
export const DIAGNOSTIC_CODES = {
  FILE_TOO_LARGE: {
    severity: 'error',
    meaning: 'A file has more bytes than the limit (1 MiB), and was not read.',
    remedy: 'Split the file, or keep generated data out of the config path.',
  },
  TOO_MANY_FILES: {
    severity: 'error',
    meaning: 'The config path holds more files or more bytes than a config source may have.',
    remedy: 'Point the config source at a narrower path.',
  },
  TOO_MANY_MISTAKES: {
    severity: 'error',
    meaning: 'A file has more than 100 mistakes; the rest is not listed.',
    remedy: 'Mend the ones that are listed and validate again.',
  },
  FILE_UNREADABLE: {
    severity: 'error',
    meaning: 'A file or folder could not be read, or a symbolic link leads out of the config path.',
    remedy: 'Check the path and its permissions; replace the link by the file itself.',
  },
  YAML_SYNTAX: {
    severity: 'error',
    meaning: 'The text is not YAML (or JSON).',
    remedy: 'Look at the line and the one before it: indentation, a quote or a bracket that is not closed.',
  },
  YAML_DUPLICATE_KEY: {
    severity: 'error',
    meaning: 'One mapping has the same key twice. Many tools keep the last silently; here it is an error.',
    remedy: 'Keep one of the two.',
  },
  YAML_KEY: {
    severity: 'error',
    meaning: 'A key is a list, a mapping or null.',
    remedy: 'Quote the key to make it text.',
  },
  YAML_TAG: {
    severity: 'error',
    meaning: 'A tag such as !vault is not known, or its value is not what the tag says.',
    remedy: 'Leave the tag out, or quote the text.',
  },
  YAML_ALIAS: {
    severity: 'error',
    meaning: 'An alias refers to nothing or to itself, or aliases make the document too large or too deep.',
    remedy: 'Define the anchor before its use; write repeated parts out.',
  },
  YAML_MERGE: {
    severity: 'error',
    meaning: 'What `<<` merges is not a mapping or a list of mappings.',
    remedy: 'Merge a mapping.',
  },
  YAML_NUMBER: {
    severity: 'error',
    meaning: 'Infinity and not-a-number have no JSON form.',
    remedy: 'Quote the value to make it text.',
  },
  NOT_A_DOCUMENT: {
    severity: 'error',
    meaning: 'A document is not a mapping with `apiVersion` and `kind`.',
    remedy: 'Say what it is, or move the file out of the config path.',
  },
  UNKNOWN_KIND: {
    severity: 'error',
    meaning: 'The kind is not one that a config repo may hold.',
    remedy: 'Check the spelling; manifests of workloads belong into a path that an Application names.',
  },
  UNSUPPORTED_VERSION: {
    severity: 'error',
    meaning: 'The API group is known, but not in this version.',
    remedy: 'Use v1alpha1.',
  },
  FIELD_NOT_SUPPORTED_YET: {
    severity: 'either',
    meaning:
      'The field is part of the language, but this version does not act on it. One that restricts (a signature rule, a service account) is an error, and holds the Applications that it concerns.',
    remedy: 'Remove the field until a version supports it.',
  },
  MISSING_FIELD: {
    severity: 'error',
    meaning: 'A field that must be there is missing.',
    remedy: 'Add it.',
  },
  WRONG_TYPE: {
    severity: 'error',
    meaning: 'A value has the wrong type: a number where text belongs, a list where a mapping belongs.',
    remedy: 'Change the value; put quotes around numbers and booleans that are meant as text.',
  },
  UNKNOWN_FIELD: {
    severity: 'error',
    meaning: 'The field does not exist. Kubernetes drops such fields silently; here a misspelling does not go unseen.',
    remedy: 'Check the spelling; the hint names the nearest field.',
  },
  INVALID_VALUE: {
    severity: 'error',
    meaning: 'The value has the right type but is not one of those allowed.',
    remedy: 'The message says what is allowed.',
  },
  INVALID_NAME: {
    severity: 'error',
    meaning: 'A name is not a Kubernetes name: lower-case letters, digits, `-` and `.`, at most 253 characters.',
    remedy: 'Rename the document.',
  },
  GENERATOR_MISSING: {
    severity: 'error',
    meaning: 'An entry of `generators` has no generator, so it would never make an Application.',
    remedy: 'Add `list`, `clusters`, `git`, `matrix` or another generator.',
  },
  GENERATORS_NESTED: {
    severity: 'warning',
    meaning:
      'Matrix and merge generators are nested deeper than Argo CD reads them; it would drop the inner ones silently.',
    remedy: 'Nest at most two, if Argo CD is to read the same document.',
  },
  ANNOTATION_WITHOUT_EFFECT: {
    severity: 'warning',
    meaning: 'An annotation that Argo CD reads changes nothing here, or is not needed; the message says which and why.',
    remedy: 'Do what the hint says instead, or remove it.',
  },
  UNSUPPORTED_SET_KIND: {
    severity: 'error',
    meaning: 'A set cannot make documents of this kind, or of a kind that is itself a template.',
    remedy:
      'Declare them in files; a set makes Projects, Clusters, Repositories, SyncWindows, FreezePeriods, Teams, AccessPolicies and NotificationRoutes, and Applications from its template.',
  },
  BOTH_SOURCES: {
    severity: 'warning',
    meaning: 'An Application has `source` and `sources`; `sources` counts, as in Argo CD.',
    remedy: 'Remove one of them.',
  },
  IGNORE_RULE_INVALID: {
    severity: 'error',
    meaning: 'A rule of `ignoreDifferences` is no pointer, or an expression that no agent could run.',
    remedy: 'Write a place as sync-engine.md 3 has it: a pointer, a path of jq with select, or a test in CEL.',
  },
  DESTINATION_AMBIGUOUS: {
    severity: 'error',
    meaning: 'A destination has both `name` and `server`.',
    remedy: 'Keep one of them.',
  },
  DESTINATION_UNKNOWN: {
    severity: 'warning',
    meaning: 'An Application names a cluster that no Cluster document declares; it will be held.',
    remedy: 'Declare the Cluster, or list the URL among the `servers` of one.',
  },
  PROJECT_UNKNOWN: {
    severity: 'warning',
    meaning: 'An Application names a project that no document declares; it will be held.',
    remedy: 'Declare the Project; Argo CD makes `default` by itself, here it is a document like any other.',
  },
  TEAM_UNKNOWN: {
    severity: 'warning',
    meaning: 'A NotificationRoute has the eyes of a team that no document declares: it tells nobody anything.',
    remedy: 'Declare the Team, or correct the name.',
  },
  SOURCE_FORBIDDEN: {
    severity: 'warning',
    meaning: 'The Project of an Application does not permit its repository; it will be held.',
    remedy: 'Add the repository to `sourceRepos` of the Project, or choose another Project.',
  },
  SERVICE_ACCOUNT_MISSING: {
    severity: 'warning',
    meaning:
      'The Applications of a Project are applied as service accounts, and none is named for a destination; they will be held.',
    remedy: 'Add an entry for the cluster and namespace to `destinationServiceAccounts` of the Project.',
  },
  IMPERSONATION_ABSENT: {
    severity: 'warning',
    meaning:
      'A Project names no service accounts: its Applications are applied with the rights of the agents. Told by `flotilla validate` alone.',
    remedy: 'Name service accounts in `destinationServiceAccounts` of the Project, or say `impersonation: required`.',
  },
  NAMESPACE_METADATA_FORBIDDEN: {
    severity: 'warning',
    meaning:
      '`managedNamespaceMetadata` sets a label or annotation that decides about more than one Application (pod security, policies); it will be held.',
    remedy: 'Remove it, or name it in `allowedNamespaceMetadata` of the Project.',
  },
  DESTINATION_FORBIDDEN: {
    severity: 'warning',
    meaning: 'The Project of an Application does not permit its cluster and namespace; it will be held.',
    remedy: 'Add them to `destinations` of the Project, or choose another destination.',
  },
  WINDOW_WITHOUT_EFFECT: {
    severity: 'warning',
    meaning: 'A sync window of a Project selects no Applications, namespaces or clusters, so that it concerns nobody.',
    remedy: 'Give it one of the lists, such as `applications: ["*"]`, or remove it.',
  },
  OPERATION_IGNORED: {
    severity: 'warning',
    meaning: 'The `operation` of an Application asks for one sync; a declaration cannot, so it is ignored.',
    remedy: 'Remove it, and start syncs with the command or the API.',
  },
  CREDENTIALS_IGNORED: {
    severity: 'warning',
    meaning: 'A Secret of Argo CD holds credentials. Agents pull with their own; these are neither read nor stored.',
    remedy: 'Declare a Cluster or Repository instead, and take the credentials out of Git.',
  },
  NOT_TRUSTED: {
    severity: 'error',
    meaning: 'The config source may not declare this kind, or not for this project.',
    remedy: 'Move the document into a source that may, or extend the trust of the source in hub.yaml.',
  },
  DUPLICATE_NAME: {
    severity: 'error',
    meaning:
      'Two documents of one kind have one name, whatever their API group. The one that was there first stays in force.',
    remedy: 'Rename one of them.',
  },
  DUPLICATE_SERVER: {
    severity: 'error',
    meaning:
      'Two Clusters claim one server URL, or both are `local`. The first one in order of source and file has it.',
    remedy: 'Leave it to one of them.',
  },
  POLICY_KEPT: {
    severity: 'warning',
    meaning:
      'A Project of the config source is broken, so all Projects of the source stay as they last were: half a policy is a hole.',
    remedy: 'Mend the errors in the Project documents.',
  },
  LAST_GOOD_LOST: {
    severity: 'error',
    meaning:
      'A broken document has an earlier version, but it cannot be used any more: the rules or the trust have changed since.',
    remedy: 'Mend the document.',
  },
  INPUT_UNAVAILABLE: {
    severity: 'error',
    meaning:
      'Offline, a generator or a source needs a repository that no folder was named for, or that cannot be read.',
    remedy: 'Name a local clone with `--repo URL=DIR`.',
  },
  TEMPLATE_PROJECT_NOT_TRUSTED: {
    severity: 'error',
    meaning: 'A generated Application has a project that the config source of its set may not deploy to.',
    remedy: 'Change the template, or extend the trust of the source in hub.yaml.',
  },
  PATCH_MAY_EMPTY_SPEC: {
    severity: 'warning',
    meaning:
      'The `spec` of a `templatePatch` is empty when none of its conditions holds, and an empty one deletes the spec of the Application, as in Argo CD.',
    remedy: 'Put `spec:` inside the condition too.',
  },
  TEMPLATE_NOT_REPEATABLE: {
    severity: 'warning',
    meaning:
      'A Go template asks for the time or for chance (`now`, `uuidv4`, `randAlpha` …), so that its set changes whenever it is expanded.',
    remedy: 'Take the value from a parameter.',
  },
  POLICY_ROW_INVALID: {
    severity: 'error',
    meaning: 'A row of a policy cannot be read, has no effect that exists, or has a pattern that is none.',
    remedy: 'Write `p, subject, resource, action, object, allow` or `g, member, role`; the message says what is wrong.',
  },
  POLICY_NAME_UNKNOWN: {
    severity: 'error',
    meaning:
      'A policy names a resource, an action or a role that does not exist: it would be asked about by nobody, for ever.',
    remedy: 'Check the spelling; the hint names the nearest one.',
  },
  POLICY_ROW_UNREACHABLE: {
    severity: 'warning',
    meaning:
      'A row gives nothing to anybody: nobody has its role, its name is empty, or the role that it gives has no rows.',
    remedy: 'Lead to it with a `g` row, or remove it.',
  },
  POLICY_ROW_SHADOWED: {
    severity: 'warning',
    meaning: 'Another row of the same subject says the same, or denies all that this one allows.',
    remedy: 'Remove the row that changes nothing.',
  },
  POLICY_ROW_WIDE: {
    severity: 'warning',
    meaning: 'A row gives a right in Projects by a wildcard, in those too that there may be one day (`rbac validate`).',
    remedy: 'Name the Projects, if it is not meant for all of them.',
  },
  POLICY_ROW_UNANCHORED: {
    severity: 'warning',
    meaning: 'A regular expression of a row matches anywhere in the text, as in Argo CD (`rbac validate`).',
    remedy: 'Begin it with `^` and end it with `$`.',
  },
  CONDITION_INVALID: {
    severity: 'error',
    meaning:
      'The condition of a binding is no expression that is true or false, or calls what a condition may not call.',
    remedy: 'Compare `request`, `object`, `cluster` and `principal`; the message says what is wrong.',
  },
} as const satisfies Record<string, CodeEntry> & Record<YamlCode, CodeEntry>

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES
