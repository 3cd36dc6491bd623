/** The link to the admin page, whole on its own line so that it can be followed. */
export function formatAdminLink(url: string): string {
  return [
    `  ${url}`,
    '',
    '  Open it in a browser on this machine. It works once, within ten minutes; the session it opens',
    '  lasts twelve hours. A newer link ends this one.',
  ].join('\n')
}
