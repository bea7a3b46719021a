import { below } from '../path.ts';

export interface JsonFault {
  offset: number;
  reason: string;
  /** Of a key that was given twice; absent for text that is not JSON. */
  path?: string;
}

/** Keys beyond this many are not worth listing one by one. */
const MAX_FAULTS = 20;

/**
 * Looks for what `JSON.parse` does not tell: where exactly a text stops being JSON (the last fault then has no path), and which
 * keys are given twice in one object. Needs no recursion, so depth is no danger.
 */
export function findJsonFaults(text: string): JsonFault[] {
  const faults: JsonFault[] = [];
  const open: Frame[] = [];
  let at = skipSpace(text, 0);
  let expects: 'value' | 'value or end' | 'key' | 'key or end' | 'comma or end' | 'end of text' = 'value';

  const fail = (reason: string): JsonFault[] => [
    ...faults,
    { offset: at, reason: at >= text.length ? 'the text ends too early' : reason },
  ];

  while (expects !== 'end of text' || at < text.length) {
    const frame = open.at(-1);
    const char = text[at];
    if (expects === 'end of text') return fail('there is something after the end of the document');
    if (char === (frame?.keys ? '}' : ']') && (expects === 'comma or end' || expects.endsWith('or end'))) {
      open.pop();
      at++;
      expects = open.length > 0 ? 'comma or end' : 'end of text';
    } else if (expects === 'comma or end') {
      if (char !== ',') return fail(`there should be a comma or ${frame?.keys ? '}' : ']'}`);
      at++;
      expects = frame?.keys ? 'key' : 'value';
    } else if (expects === 'key' || expects === 'key or end') {
      const end = char === '"' ? endOfString(text, at) : -1;
      if (end < 0) return fail('there should be a key in double quotes');
      const key = String(JSON.parse(text.slice(at, end)));
      if (frame?.keys?.has(key)) {
        if (faults.length < MAX_FAULTS) faults.push({ offset: at, reason: 'is given twice', path: pathOf(open, key) });
      }
      frame?.keys?.add(key);
      if (frame) frame.here = key;
      at = skipSpace(text, end);
      if (text[at] !== ':') return fail('there should be a colon');
      at++;
      expects = 'value';
    } else {
      if (frame && !frame.keys) frame.here = Number(frame.here) + 1;
      if (char === '{' || char === '[') {
        open.push(char === '{' ? { keys: new Set(), here: '' } : { here: -1 });
        at++;
        expects = char === '{' ? 'key or end' : 'value or end';
      } else {
        const end = endOfScalar(text, at);
        if (end < 0) return fail('there should be a value');
        at = end;
        expects = open.length > 0 ? 'comma or end' : 'end of text';
      }
    }
    at = skipSpace(text, at);
  }
  return faults;
}

/** An object or a list that is not closed yet, and the key or position that is being read. */
interface Frame {
  /** Only objects have them. */
  keys?: Set<string>;
  here: string | number;
}

function pathOf(open: Frame[], key: string): string {
  const parents = open.slice(0, -1).map(frame => frame.here);
  return [...parents, key].reduce<string>((path, part) => below(path, part), '');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

/** The offset after a string that starts here, or -1. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return -1;
    if (code !== 0x5c) continue;
    const escaped = text[++at] ?? '';
    if (escaped === 'u') {
      if (!/^[0-9a-f]{4}$/i.test(text.slice(at + 1, at + 5))) return -1;
      at += 4;
    } else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) return -1;
  }
  return -1;
}

function endOfScalar(text: string, from: number): number {
  if (text[from] === '"') return endOfString(text, from);
  const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
  scalar.lastIndex = from;
  return scalar.test(text) ? scalar.lastIndex : -1;
}
