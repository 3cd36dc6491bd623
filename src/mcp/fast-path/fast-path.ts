/** The two edges of a call that need no SDK where nothing about the call is unusual. */
export type FastEdge = 'client' | 'upstream'

/** Whether calls may take the fast path, and who hears that one did. */
export interface FastPath {
  readonly isOn: boolean
  onTaken?(edge: FastEdge): void
}
