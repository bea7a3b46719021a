/** From this version on V8 has no WebAssembly to switch off beside interpreted code, and no such option. */
const WITHOUT_WASM_OPTION = 23;

/**
 * How Node.js of that version (`v20.19.0`) runs a manager: small, as measured in docs/performance.md. Its new space is as small as V8
 * makes it, every collection is a full one (of some 5 MB: milliseconds), and code is interpreted: what compiled code and its feedback
 * take is more than they save.
 */
export function managerFlags(version: string = process.version): readonly string[] {
  const isOld = Number(/^v(\d+)/.exec(version)?.[1]) < WITHOUT_WASM_OPTION;
  // V8 says by a warning, in each manager's log, what it switches off unasked.
  return ['--max-semi-space-size=1', '--gc-global', '--lite-mode', ...(isOld ? ['--no-expose-wasm'] : [])];
}
