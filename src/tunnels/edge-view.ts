/**
 * How an edge looks from outside. `silent`: no answer at all. `failing`: an error of the server's,
 * such as a proxy's whose own service is away. `answering`: anything else, be it "no such tunnel".
 */
export type EdgeView = 'silent' | 'failing' | 'answering'

const fromWorst: readonly EdgeView[] = ['silent', 'failing', 'answering']

export function viewOfStatus(status: number): EdgeView {
  return status >= 500 ? 'failing' : 'answering'
}

/** The worst of several; `answering` when there was nothing to look at. */
export function worstView(views: readonly EdgeView[]): EdgeView {
  return fromWorst.find((view) => views.includes(view)) ?? 'answering'
}

/** Whether the edge came further up between two looks. */
export function isImprovement(before: EdgeView, now: EdgeView): boolean {
  return fromWorst.indexOf(now) > fromWorst.indexOf(before)
}
