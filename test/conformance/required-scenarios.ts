import { readFileSync } from 'node:fs'

/** The revisions whose frozen requirement sets the installed suite has. */
export const revisions = ['2025-11-25', '2026-07-28'] as const
export type Revision = (typeof revisions)[number]

const packageUrl = new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url)

/** The suite's command line program. */
export const conformanceCli = new URL('dist/index.js', packageUrl)

/** Names of the scenarios a server must pass, as the installed package has frozen them. */
export function requiredScenarios(revision: Revision): string[] {
  return parseRequirements(
    readFileSync(new URL(`requirements/${revision}.yaml`, packageUrl), 'utf8'),
  )
}

/** Reads the `server` list of a requirements file; of YAML, only what those files use. */
export function parseRequirements(yaml: string): string[] {
  const section = /^server:\n((?: {2}- .+\n|\s*#.*\n|\n)*)/m.exec(yaml)?.[1] ?? ''
  return [...section.matchAll(/^ {2}- (\S+)/gm)].map((match) => match[1] ?? '')
}
