/**
 * The connection mark: which VIF and which ACE decided a flow.
 *
 *     31       24 23   22   21                     0
 *    +-----------+----+----+------------------------+
 *    | VIF number|drop|user|         ACE id         |
 *    +-----------+----+----+------------------------+
 *
 * VIF number 0: the flow belongs to the manager itself (system services, its own flows). `user` is set for ACEs of the config and
 * clear for implicit ones. A mark with `drop` is never kept on a connection: it is the packet's mark while it is being denied. In the
 * sets of denied flows it names the decision, with `drop` set for the sender's ACL and clear for the receiver's side.
 */
export interface Mark {
  vif: number;
  drop: boolean;
  user: boolean;
  ace: number;
}

export const DROP_BIT = 0x0080_0000;
const USER_BIT = 0x0040_0000;
const ACE_MASK = 0x003f_ffff;

export const VIF_MASK = 0xff00_0000;

/** Highest mark of VIF number 0, so `1-HIGHEST_OWN_MARK` means: the manager's own. */
export const HIGHEST_OWN_MARK = 0x00ff_ffff;

/** Ids of decisions that no ACE of the config made; the numbers are EVE's. */
export const IMPLICIT_ACE = {
  /** Flows that the device itself opens towards an app, and those that the manager opens. */
  outAll: 5,
  dhcp: 6,
  dns: 7,
  /** A peer calls a VPN NI. */
  vpn: 8,
  icmp: 9,
  metadata: 11,
  icmpv6: 12,
  /** What no ACE matched: dropped. */
  defaultDrop: ACE_MASK,
} as const;

/** Packs a mark; throws when a part is out of its range. */
export function encodeMark({ vif, drop, user, ace }: Mark): number {
  if (!Number.isInteger(vif) || vif < 0 || vif > 255) throw new RangeError(`VIF number ${vif} is not within 0..255`);
  if (!Number.isInteger(ace) || ace < 0 || ace > ACE_MASK)
    throw new RangeError(`ACE id ${ace} is not within 0..${ACE_MASK}`);
  return ((vif << 24) | (drop ? DROP_BIT : 0) | (user ? USER_BIT : 0) | ace) >>> 0;
}

/** Unpacks a mark. */
export function decodeMark(mark: number): Mark {
  return {
    vif: mark >>> 24,
    drop: (mark & DROP_BIT) !== 0,
    user: (mark & USER_BIT) !== 0,
    ace: mark & ACE_MASK,
  };
}

/** A mark as nft prints it. */
export function markText(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}

/** The mark of an ACE of the config. */
export function userMark(vif: number, ace: number, drop: boolean): number {
  return encodeMark({ vif, drop, user: true, ace });
}

/** The mark of a flow that no ACE of this VIF matched; VIF number 0: refused by the NI itself. */
export function defaultDropMark(vif: number): number {
  return encodeMark({ vif, drop: true, user: false, ace: IMPLICIT_ACE.defaultDrop });
}

/** The mark of an implicit decision; VIF number 0: a flow of the manager itself. */
export function implicitMark(vif: number, ace: number): number {
  return encodeMark({ vif, drop: false, user: false, ace });
}
