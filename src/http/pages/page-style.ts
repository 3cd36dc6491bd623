/** The one style sheet; its hash is in the content security policy. */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1c2024; --soft: #5b6570; --line: #d5dae0;
  --paper: #ffffff; --ground: #f3f5f7; --accent: #1f5fbf; --on-accent: #ffffff; --alarm: #a3271b; }
@media (prefers-color-scheme: dark) { :root { --text: #eceff2; --soft: #a4adb7; --line: #3a424b;
  --paper: #1b2026; --ground: #111418; --accent: #7fb0ff; --on-accent: #0b1a30; --alarm: #ff9d92; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 34rem; margin: 4vh auto; padding: 1.5rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: .75rem; }
.brand { margin: 0; color: var(--soft); font-size: .875rem; letter-spacing: .04em; }
h1 { margin: .25rem 0 1rem; font-size: 1.375rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
dl { margin: 0 0 1rem; border-top: 1px solid var(--line); }
dl div { padding: .5rem 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; }
code, .reference { font-family: ui-monospace, monospace; font-size: .9375em; }
.reference { font-weight: 700; letter-spacing: .12em; }
ul { margin: .25rem 0 0; padding-left: 1.25rem; }
details { margin: .25rem 0 0; }
summary { cursor: pointer; color: var(--soft); }
label { display: block; font-weight: 600; }
input[type=text] { width: 100%; margin: .25rem 0 1rem; padding: .625rem .75rem; color: inherit;
  background: var(--ground); border: 1px solid var(--soft); border-radius: .5rem;
  font: 600 1.5rem/1.2 ui-monospace, monospace; letter-spacing: .25em; }
section { margin-top: 2rem; }
h2 { margin: 0 0 .25rem; font-size: 1.125rem; line-height: 1.25; }
form > details { margin-bottom: .75rem; }
.drop { width: 100%; margin: .25rem 0 .5rem; padding: 1.25rem .75rem; color: inherit; font: inherit;
  background: var(--ground); border: 2px dashed var(--soft); border-radius: .5rem; }
.drop:hover { border-color: var(--accent); }
form, .buttons { margin-bottom: 1rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; }
button, .button { flex: 1 1 9rem; padding: .75rem 1rem; border: 1px solid var(--soft);
  border-radius: .5rem; background: transparent; color: inherit; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.alarm { color: var(--alarm); font-weight: 600; }
.soft { color: var(--soft); font-size: .875rem; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.0625rem; }
pre { margin: 0; padding: .75rem; overflow-x: auto; background: var(--ground); border: 1px solid var(--line);
  border-radius: .5rem; font: .875rem/1.45 ui-monospace, monospace; overflow-wrap: normal; }
.copyable { margin: 0 0 .75rem; }
.copyable button { margin-top: .375rem; padding: .25rem .75rem; font-size: .875rem; }
.address { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.address svg { flex: none; width: 9rem; height: 9rem; border-radius: .5rem; }
.address > div { flex: 1 1 14rem; min-width: 0; }
.address p { margin: 0 0 .25rem; }
.address pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.client { border-bottom: 1px solid var(--line); }
.client > summary { padding: .625rem 0; color: var(--text); font-weight: 600; }
.client + p { margin-top: 1rem; }
.client > p { margin: 0 0 .375rem; }
.client > p:last-child { margin: 0 0 1rem; }
.client .button { flex: 0 1 auto; padding: .5rem 1rem; }
`
