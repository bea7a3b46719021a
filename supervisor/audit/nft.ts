import { createHash } from 'node:crypto';
import { isMissing } from '../../shared/kernel/nft.ts';
import type { run } from '../../shared/kernel/run.ts';
import type { RootState } from '../routing/state.ts';
import type { Finding } from './finding.ts';

/** Chains that the table of the device's namespace may have; see routing/nft-table.ts. */
const OWN_CHAIN = /^(prerouting|postrouting|forward|input|from_instance|to_instance|pm_\d+)$/;

/** Tables by our name in other families or with something behind it, and chains in our table that nibox does not make. */
export async function findTables(prefix: string, { nft }: RootState, execute: typeof run): Promise<Finding[]> {
  const own = `nibox_${prefix}`;
  const listed = JSON.parse(await execute('nft', ['-j', 'list', 'chains'])) as {
    nftables: { chain?: { family: string; table: string; name: string } }[];
  };
  const chains = listed.nftables.flatMap(({ chain }) => chain ?? []);
  const tables = (await execute('nft', ['list', 'tables']))
    .split('\n')
    .map(line => /^table (\S+) (\S+)$/.exec(line))
    .filter(match => match !== null)
    .map(([, family, name]) => ({ family: family!, name: name! }));
  const strange = tables
    .filter(({ family, name }) => (name === own && family !== 'inet') || name.startsWith(`${own}_`))
    .map(({ family, name }) => tableFinding(`${family} ${name}`, execute));
  const text = await execute('nft', ['-s', 'list', 'table', 'inet', own]).catch((cause: unknown) => {
    if (isMissing(cause)) return '';
    throw cause;
  });
  // As it was loaded: whatever its chains are called, they are ours.
  if (text === '' || createHash('sha256').update(text).digest('hex') === nft?.listed) return strange;
  return [
    ...strange,
    ...chains
      .filter(({ family, table, name }) => family === 'inet' && table === own && !OWN_CHAIN.test(name))
      .map(({ name }) => chainFinding(`inet ${own} ${name}`, execute)),
  ];
}

function tableFinding(name: string, execute: typeof run): Finding {
  return {
    kind: 'nft',
    name: `table ${name}`,
    why: 'nibox makes no such table',
    how: 'nft delete table',
    remove: async () => void (await execute('nft', ['delete', 'table', ...name.split(' ')])),
  };
}

function chainFinding(name: string, execute: typeof run): Finding {
  return {
    kind: 'nft',
    name: `chain ${name}`,
    why: 'nibox makes no such chain in its table',
    how: 'nft flush and delete chain',
    remove: async () =>
      void (await execute('nft', ['-f', '-'], { input: `flush chain ${name}\ndelete chain ${name}\n` })),
  };
}
