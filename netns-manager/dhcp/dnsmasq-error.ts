/** dnsmasq could not be brought to run with a config. `output` is what it said. */
export class DnsmasqError extends Error {
  readonly code = 'ERR_DNSMASQ';
  readonly output: string;

  constructor(what: string, output: string) {
    super(`${what}${output.trim() ? `: ${output.trim()}` : ''}`);
    this.name = 'DnsmasqError';
    this.output = output;
  }
}
