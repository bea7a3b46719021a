import type { Log } from '../../shared/log/log.ts';
import type { DnsRequest } from '../../shared/proto/messages.ts';
import { hostSetName } from '../acl/host-set.ts';
import { hostDomains } from '../dhcp/host-domains.ts';
import { type Intent, rulesetInput } from '../intent.ts';
import { DnsWatch } from './dns-watch.ts';
import { addHostSetElements, listHostSetElements } from './host-set-elements.ts';
import { DnsRequestRing } from './request-ring.ts';
import { ToldAddresses } from './told-addresses.ts';

const TABLE = 'inet nibox';

export interface HostSetsOptions {
  /** dnsmasq's log, which tells each answer. */
  logFile: string;
  reopenLog: () => void;
  maxLogBytes: () => number;
  /** A name that was looked up, for the flow log. */
  onRequest: (key: string, request: DnsRequest) => void;
  log: Log;
}

/** Keeps the sets of host ACEs: what DNS told stays in them as long as it holds, over new rulesets and new managers. */
export class HostSets {
  readonly #watch: DnsWatch;
  readonly #told = new ToldAddresses();
  readonly #ring: DnsRequestRing;
  readonly #log: Log;
  #intent: Intent | null = null;
  /** `<set> <address>` of what is known without DNS. */
  #static: ReadonlySet<string> = new Set();

  constructor({ logFile, reopenLog, maxLogBytes, onRequest, log }: HostSetsOptions) {
    this.#log = log;
    this.#ring = new DnsRequestRing(onRequest);
    this.#watch = new DnsWatch({
      logFile,
      reopenLog,
      maxLogBytes,
      table: TABLE,
      isStatic: ({ set, address }) => this.#static.has(`${set} ${address}`),
      onRequest: request => {
        this.#told.note(request, hostDomains(this.#intent?.apps ?? []), Date.now());
        if (this.#intent?.config.flowLog) this.#ring.add(request);
      },
      log,
    });
  }

  /** Begins; the ruleset of the intent is loaded. `isInherited`: an earlier manager loaded it, and the sets have what that knew. */
  async start({ apps }: Intent, isInherited: boolean): Promise<void> {
    void this.#watch.start().catch(error => this.#log.error({ err: error }, 'DNS answers are not watched'));
    if (!isInherited) return;
    const sets = hostDomains(apps).flatMap(domain => [hostSetName(domain, 4), hostSetName(domain, 6)]);
    this.#told.adopt(await listHostSetElements(TABLE, sets), Date.now());
  }

  /** After a pass. `isRebuilt`: the rules were made anew, and the sets are empty but for what is known without DNS. */
  async follow(intent: Intent, isRebuilt: boolean): Promise<void> {
    this.#intent = intent;
    const domains = hostDomains(intent.apps);
    if (isRebuilt) {
      const elements = this.#told.elements(domains, Date.now());
      if (elements.length > 0) await addHostSetElements(TABLE, elements);
    }
    this.#static = new Set(
      [...rulesetInput(intent).hostAddresses].flatMap(([domain, addresses]) =>
        addresses.map(address => `${hostSetName(domain, address.includes(':') ? 6 : 4)} ${address}`),
      ),
    );
    this.#watch.setHostSets(
      domains.map(domain => ({ domain, v4: hostSetName(domain, 4), v6: hostSetName(domain, 6) })),
    );
  }
}
