import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseGuestReport } from '../../guest/report.ts';

describe('what the guest of C29 tells', () => {
  it('is read out of everything that is on its console', () => {
    const console = [
      '[    1.234567] virtio_net virtio0: a line of the kernel',
      'nibox-guest: kernel 6.1.0-56-cloud-amd64 mac 02:16:3e:00:00:01\r',
      'udhcpc: lease of 10.10.1.4 obtained from 10.10.1.1, lease time 3600\r',
      'nibox-guest: lease 10.10.1.4/24 mtu 1400 router 10.10.1.1 dns 10.10.1.1\r',
      'nibox-guest: github.com is 198.51.100.10\r',
      'nibox-guest: answer HTTP/1.1 200 OK\r',
      'nibox-guest: body github.com\r',
      'nibox-guest: end\r',
    ].join('\n');
    assert.deepEqual(parseGuestReport(console), {
      mac: '02:16:3e:00:00:01',
      address: '10.10.1.4/24',
      mtu: 1400,
      resolved: '198.51.100.10',
      status: 200,
      body: 'github.com',
      failures: [],
    });
  });

  it('has what failed in its own words, and nothing that was not told', () => {
    const console = "nibox-guest: failed: no lease\nnibox-guest: failed: wget: bad address 'github.com'\n";
    assert.deepEqual(parseGuestReport(console), {
      status: 0,
      failures: ['no lease', "wget: bad address 'github.com'"],
    });
  });
});
