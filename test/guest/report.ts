/** What the guest of check C29 tells on its console (test/guest/init). */
export interface GuestReport {
  mac?: string;
  /** With prefix length. */
  address?: string;
  mtu?: number;
  /** What github.com was resolved to. */
  resolved?: string;
  /** HTTP status, 0: none. */
  status: number;
  body?: string;
  failures: string[];
}

/** Reads the guest's lines out of everything that was on the console. */
export function parseGuestReport(console: string): GuestReport {
  const lines = [...console.matchAll(/^nibox-guest: (.*?)\r?$/gm)].map(match => match[1]!);
  const one = (pattern: RegExp) => lines.map(line => pattern.exec(line)?.[1]).find(value => value !== undefined);
  const mac = one(/^kernel \S+ mac (\S+)/);
  const address = one(/^lease (\S+)/);
  const mtu = one(/^lease .* mtu (\d+)/);
  const resolved = one(/^github\.com is ([0-9.]+)$/);
  const body = one(/^body (.*)/);
  return {
    ...(mac !== undefined && { mac }),
    ...(address !== undefined && { address }),
    ...(mtu !== undefined && { mtu: Number(mtu) }),
    ...(resolved !== undefined && { resolved }),
    ...(body !== undefined && { body }),
    status: Number(one(/^answer HTTP\S+ (\d+)/) ?? 0),
    failures: lines.flatMap(line => /^failed: (.*)/.exec(line)?.[1] ?? []),
  };
}
