/**
 * A JSON body as one argument of a POSIX shell, in which texts such as `$NAME` are filled in from
 * the environment. Unlike a here-document it may be indented when it is pasted.
 */
export function curlBody(body: object): string {
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`)
  return `'${quoted.replace(/"(\$[A-Z][A-Z0-9_]*)"/g, `"'"$1"'"`)}'`
}
