import { listElements, type Nft, nft } from '../../shared/kernel/nft.ts';
import type { HostSetElement } from './host-set-keeper.ts';

/** Reads the elements of host sets. `table` is `inet <name>`. */
export async function listHostSetElements(
  table: string,
  sets: readonly string[],
  nftables: Nft = nft,
): Promise<HostSetElement[]> {
  if (sets.length === 0) return [];
  const elements = await listElements(nftables, table, sets);
  return elements.flatMap((list, index) =>
    list.map(({ key }) => ({ set: sets[index] ?? '', address: String(key[0]) })),
  );
}

/** Takes elements out, in one transaction. One that is gone already does no harm. */
export async function removeHostSetElements(
  table: string,
  elements: readonly HostSetElement[],
  nftables: Nft = nft,
): Promise<void> {
  // nft refuses to delete what is not there, so each is added first.
  await nftables(['-f', '-'], lines('add', table, elements) + lines('delete', table, elements));
}

/** Puts elements in, in one transaction. */
export async function addHostSetElements(
  table: string,
  elements: readonly HostSetElement[],
  nftables: Nft = nft,
): Promise<void> {
  await nftables(['-f', '-'], lines('add', table, elements));
}

function lines(verb: string, table: string, elements: readonly HostSetElement[]): string {
  return elements.map(({ set, address }) => `${verb} element ${table} ${set} { ${address} }\n`).join('');
}
