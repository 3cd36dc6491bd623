/** Requests of a client that a profile answers from its catalog or passes on to an upstream. */
export const relayedMethods: ReadonlySet<string> = new Set([
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
])
