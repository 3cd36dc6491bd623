import { findNodeAtLocation, getNodeValue, type Node, parseTree } from 'jsonc-parser'
import type { EntryPath, Segment } from './config-format.ts'
import { isBlank } from './json-trivia.ts'

/** The root of a document; undefined when there is none yet. */
export function rootOf(text: string): Node | undefined {
  return isBlank(text) ? undefined : parseTree(text, [], { allowTrailingComma: true })
}

/** The value at a path. */
export function nodeAt(root: Node | undefined, path: EntryPath): Node | undefined {
  return path.reduce<Node | undefined>((node, segment) => node && childOf(node, segment), root)
}

/** How many segments of a path are there already. */
export function depthOf(root: Node, path: EntryPath): number {
  const missing = path.findIndex((_, index) => !nodeAt(root, path.slice(0, index + 1)))
  return missing < 0 ? path.length : missing
}

function childOf(node: Node, segment: Segment): Node | undefined {
  if (typeof segment === 'string') {
    return node.type === 'object' ? findNodeAtLocation(node, [segment]) : undefined
  }
  if (node.type !== 'array') return undefined
  return node.children?.find((one) => idOf(one) === segment.id)
}

function idOf(node: Node): unknown {
  return (getNodeValue(node) as { id?: unknown } | null)?.id
}
