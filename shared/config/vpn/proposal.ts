import type { Reporter, Told } from '../issue.ts';
import { USELESS, WORDS, type Word, type WordKind } from './words.ts';

/** Checks of one document: the hint for a wrong word comes from a suggester that knows when it was asked enough. */
export interface ProposalContext {
  report: Reporter;
  suggestWord: (word: string) => string | undefined;
}

/** Longer ones don't fit into what IKE sends. */
const MAX_WORDS = 40;

const EXAMPLES = { IKE: 'aes256gcm16-prfsha384-ecp384', ESP: 'aes256gcm16-ecp384' };

/**
 * Checks a proposal in strongSwan's words, such as `aes256-sha256-modp2048`, by the rules by which charon would refuse it. Gives it
 * in lower case; undefined when it was refused. Weak algorithms are taken, since they were named, with a warning.
 */
export function readProposal(told: Told<string>, use: 'IKE' | 'ESP', context: ProposalContext): string | undefined {
  const { report } = context;
  const words = told.value.trim().toLowerCase().split('-');
  const refuse = (reason: string, remedy: string) => void report.refuse(told, reason, remedy);
  if (words.length > MAX_WORDS) return refuse(`has more than ${MAX_WORDS} words`, 'make several proposals of it');
  for (const word of words) {
    if (Object.hasOwn(USELESS, word)) return refuse(`${word} ${USELESS[word]}`, `use one such as ${EXAMPLES[use]}`);
    if (!WORDS.has(word))
      return refuse(`has an unknown word: ${JSON.stringify(word.slice(0, 30))}`, hintFor(word, use, context));
  }
  const kinds = new Map<WordKind, string>();
  for (const word of words) kinds.set(wordOf(word).kind, word);
  const fault = use === 'IKE' ? faultOfIke(kinds) : faultOfEsp(kinds);
  if (fault) return refuse(fault, `write one such as ${EXAMPLES[use]}`);
  const weak = words.filter(word => wordOf(word).weakness);
  if (weak.length > 0) {
    const reasons = [...new Set(weak)].map(word => `${word} is ${wordOf(word).weakness}`);
    report.warn(told, reasons.join(', '), 'have the other side use something better, and leave it out here');
  }
  return words.join('-');
}

const wordOf = (word: string): Word => WORDS.get(word)!;

function faultOfBoth(kinds: ReadonlyMap<WordKind, string>): string | undefined {
  const cipher = kinds.get('cipher');
  const aead = kinds.get('aead');
  if (cipher && aead) return `${aead} does with other partners than ${cipher}: they can't be in one proposal`;
  if (!cipher && !aead) return 'names nothing that encrypts';
  if (cipher && !kinds.has('integrity')) return `${cipher} needs one of sha256, sha384, sha512 beside it`;
  return undefined;
}

function faultOfIke(kinds: ReadonlyMap<WordKind, string>): string | undefined {
  const fault = faultOfBoth(kinds);
  if (fault) return fault;
  if (!kinds.has('prf') && !kinds.has('integrity')) {
    return `${kinds.get('aead')} needs one of prfsha256, prfsha384, prfsha512 beside it`;
  }
  if (!kinds.has('group')) return 'names no group for the key exchange, such as ecp384 or modp2048';
  if (kinds.has('esn')) return `${kinds.get('esn')} is for ESP only`;
  return undefined;
}

function faultOfEsp(kinds: ReadonlyMap<WordKind, string>): string | undefined {
  return kinds.has('prf') ? `${kinds.get('prf')} is for IKE only` : faultOfBoth(kinds);
}

function hintFor(word: string, use: 'IKE' | 'ESP', { suggestWord }: ProposalContext): string {
  const near = word === '' ? undefined : suggestWord(word);
  return near ? `did you mean ${near}?` : `write one such as ${EXAMPLES[use]}; docs/vpn.md lists the words`;
}
