import { guestImage } from '../../guest/image.ts';
import { runMachine } from '../../guest/machine.ts';
import { parseGuestReport } from '../../guest/report.ts';
import { sites } from '../../world/index.ts';
import { defineCheck, expect } from '../check.ts';
import { interfaceOf, readStatus } from '../nibox.ts';

/** Milliseconds for a guest to boot, take an address, fetch a page and switch itself off; it takes some 5 s. */
const guestTimeoutMs = 120_000;

export const guestChecks = [
  defineCheck({
    id: 'C29',
    title: 'a guest on app3’s TAP VIF gets a lease from ni3 and fetches github.com',
    networkInstance: 'ni3',
    needs: 'slow',
    alone: true,
    see: async ({ world, nibox }) => {
      const { vif, mac } = interfaceOf(await readStatus(nibox), 'app3', 'ni3');
      const console = await runMachine({
        ...guestImage(),
        spawn: (file, args) => world.spawn('ni3', file, args),
        memory: 256,
        cpus: 1,
        devices: [
          ...['-netdev', `tap,id=net0,ifname=${vif},script=no,downscript=no`],
          ...['-device', `virtio-net-pci,netdev=net0,mac=${mac},romfile=`],
        ],
        timeoutMs: guestTimeoutMs,
      });
      const { address, resolved, status, body, failures } = parseGuestReport(console);
      const seen = failures.length > 0 ? failures.join('; ') : console.slice(-500);
      expect(address?.startsWith('10.10.1.') === true, `the guest has ${address ?? 'no lease'}: ${seen}`);
      expect(resolved === sites['github.com'], `github.com is ${resolved} for the guest: ${seen}`);
      expect(status === 200 && body === 'github.com', `github.com answers ${status} "${body ?? ''}": ${seen}`);
      return `${address}, 200 "${body}"`;
    },
  }),
];
