import { parseConntrackLine } from '../../shared/kernel/conntrack.ts';
import type { run } from '../../shared/kernel/run.ts';
import { type Cidr, cidrContains, parseAddress, parseCidr } from '../../shared/net/address.ts';

/**
 * Forgets the flows from transit addresses that are not translated. One that begins while the rules are missing stays so for as
 * long as its packets come, and is never answered: IKE repeats its own for ever. Gives how many pairs of addresses there were.
 */
export async function forgetUntranslated(program: typeof run, transitPool: string): Promise<number> {
  const lines = (await program('conntrack', ['-L', '-f', 'ipv4', '-o', 'extended,id'])).split('\n');
  const pool = parseCidr(transitPool);
  const commands = new Set<string>();
  for (const line of lines) {
    const flow = parseConntrackLine(line);
    if (!flow) continue;
    const { source, destination } = flow.original;
    const isTranslated = flow.reply.destination !== source || flow.reply.source !== destination;
    if (isTranslated || !contains(pool, source) || contains(pool, destination)) continue;
    commands.add(`-D -s ${source} -d ${destination} -r ${destination} -q ${source}\n`);
  }
  if (commands.size > 0) {
    // conntrack opens /dev/stdin by name, which fails for the socket that Node gives it and works for a pipe.
    await program('sh', ['-c', 'cat | exec conntrack -R -'], { input: [...commands].join('') });
  }
  return commands.size;
}

function contains(pool: Cidr | null, text: string): boolean {
  const address = parseAddress(text);
  return pool !== null && address !== null && cidrContains(pool, address);
}
