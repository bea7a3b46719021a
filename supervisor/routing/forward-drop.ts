import { run } from '../../shared/kernel/run.ts';

interface ListedChain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

/**
 * Whether somebody else's forward chain drops by default (docker, ufw, firewalld), which no accept of ours can undo: what
 * to tell a person, with the remedy. Null: none does.
 */
export async function detectForwardDrop(execute: typeof run = run): Promise<string | null> {
  const listed: { nftables: { chain?: ListedChain }[] } = JSON.parse(await execute('nft', ['-j', 'list', 'chains']));
  const dropping = listed.nftables
    .flatMap(({ chain }) => chain ?? [])
    .filter(
      ({ hook, policy, family }) => hook === 'forward' && policy === 'drop' && family !== 'ip6' && family !== 'bridge',
    )
    .map(({ family, table, name }) => ({ where: `${family} ${table} ${name}`, docker: name === 'FORWARD' }));
  if (dropping.length === 0) return null;
  const names = dropping.map(({ where }) => where).join(', ');
  const remedy = dropping.some(({ docker }) => docker)
    ? 'let the transit links pass there: `iptables -I FORWARD -i PREFIX+ -j ACCEPT` and `iptables -I FORWARD -o PREFIX+ -j ACCEPT` (with docker: in the chain DOCKER-USER)'
    : 'let traffic from and to the transit links pass there, or set its policy to accept';
  return `the forward chain of another firewall drops by default (${names}), so apps may not get out: ${remedy}`;
}
