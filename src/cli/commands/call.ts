import { mkdir, writeFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import type { CallToolResult, Client, Progress, Tool } from '@modelcontextprotocol/client'
import { messageOf, UserError } from '../../errors.ts'
import { nearestName } from '../../lib/nearest-name.ts'
import type { World } from '../output.ts'
import { type ProfileFlags, withProfile } from '../profile-client.ts'
import { readArguments } from '../tool-arguments.ts'
import { formatContent, formatContents, formatResult, type ProfileContents } from '../ui/results.ts'

export interface CallFlags extends ProfileFlags {
  /** A folder for what cannot be shown. */
  readonly save?: string
}

/** Longest time a tool may take without a word, ms. */
const silenceMs = 10 * 60_000

/** Calls a tool; 1 when it failed. */
export function call(
  { profile, tool, typed }: { profile: string; tool: string; typed: readonly string[] },
  flags: CallFlags,
  world: World,
): Promise<number> {
  const { output, process } = world
  return withProfile(profile, { flags, world }, async (client) => {
    const words = typed.length === 1 && typed[0] === '-' ? [await readAll(process.stdin)] : typed
    const found = await findTool(client, tool)
    const args = readArguments(words, found.inputSchema)
    const result = await asked(() =>
      client.callTool(
        { name: tool, arguments: args },
        {
          onprogress: (progress) => output.progress(progressLine(progress)),
          timeout: silenceMs,
          resetTimeoutOnProgress: true,
        },
      ),
    )
    output.progress(undefined)
    output.data(result)
    output.answer(formatResult(result))
    if (flags.save !== undefined) {
      for (const path of await save(result, resolve(process.cwd(), flags.save))) {
        output.talk(output.stderr.prose(`Saved ${path}`))
      }
    }
    return result.isError ? 1 : 0
  })
}

/** Lists what a profile has. */
export function list(profile: string, flags: ProfileFlags, world: World): Promise<number> {
  const { output } = world
  return withProfile(profile, { flags, world }, async (client) => {
    const contents = await asked(() => contentsOf(client))
    output.data(contents)
    output.answer(formatContents(contents, output.stdout))
    return 0
  })
}

/** Reads a resource. */
export function read(
  { profile, uri }: { profile: string; uri: string },
  flags: ProfileFlags,
  world: World,
): Promise<number> {
  const { output } = world
  return withProfile(profile, { flags, world }, async (client) => {
    const result = await asked(() => client.readResource({ uri }))
    output.data(result)
    output.answer(result.contents.map(formatContent))
    return 0
  })
}

async function contentsOf(client: Client): Promise<ProfileContents> {
  const { tools, prompts, resources } = client.getServerCapabilities() ?? {}
  const none: never[] = []
  return {
    tools: tools ? await toolsOf(client) : none,
    prompts: prompts
      ? await everyPage(
          (page) => client.listPrompts(page),
          (one) => one.prompts,
        )
      : none,
    resources: resources
      ? await everyPage(
          (page) => client.listResources(page),
          (one) => one.resources,
        )
      : none,
    templates: resources
      ? await everyPage(
          (page) => client.listResourceTemplates(page),
          (one) => one.resourceTemplates,
        )
      : none,
  }
}

function toolsOf(client: Client): Promise<Tool[]> {
  return everyPage(
    (page) => client.listTools(page),
    (one) => one.tools,
  )
}

async function everyPage<P extends { nextCursor?: string | undefined }, T>(
  ask: (page: { cursor: string } | undefined) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await ask(cursor === undefined ? undefined : { cursor })
    items.push(...itemsOf(page))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return items
}

async function findTool(client: Client, name: string) {
  const tools = await asked(() => toolsOf(client))
  const found = tools.find((tool) => tool.name === name)
  if (found) return found
  const names = tools.map((tool) => tool.name)
  const near = nearestName(name, names)
  throw new UserError('USAGE', `There is no tool ${JSON.stringify(name)} in this profile.`, {
    hint: near === undefined ? `It has ${names.join(', ') || 'none'}.` : `Did you mean ${near}?`,
  })
}

/** A refusal of the server's is something to read, and no fault of ours. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError('UPSTREAM_UNAVAILABLE', `The server refused: ${messageOf(error)}.`, {
      cause: error,
    })
  }
}

function progressLine({ progress, total, message }: Progress): string {
  const far = total === undefined ? `${progress}` : `${progress} of ${total}`
  return message === undefined ? far : `${far}: ${message}`
}

/** Writes images, sounds and other bytes of a result into a folder, under names that are free. */
async function save({ content }: CallToolResult, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const files = content.flatMap((block): { data: string; ending: string }[] => {
    if (block.type === 'image' || block.type === 'audio') {
      return [{ data: block.data, ending: `.${block.mimeType.split('/')[1] ?? 'bin'}` }]
    }
    if (block.type !== 'resource' || !('blob' in block.resource)) return []
    return [{ data: block.resource.blob, ending: extname(block.resource.uri) }]
  })
  const written: string[] = []
  for (const [index, { data, ending }] of files.entries()) {
    const name = `${Date.now()}-${index + 1}${/^\.\w+$/.test(ending) ? ending : ''}`
    const path = join(folder, name)
    await writeFile(path, Buffer.from(data, 'base64'), { flag: 'wx' })
    written.push(path)
  }
  return written
}
