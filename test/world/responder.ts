import { join } from 'node:path';
import { clouds, tunnels } from './layout.ts';

/**
 * The IPsec responders on the clouds: strongSwan's own daemon and its own configuration tool, so that nibox is seen to work with
 * something that it did not write.
 */

const PLUGINS = [
  'aes sha1 sha2 hmac gcm kdf random nonce openssl pem pkcs1 pkcs8 pubkey x509 constraints revocation',
  'kernel-netlink socket-default vici',
].join(' ');

export interface ResponderFiles {
  strongswanConf: string;
  swanctlConf: string;
  viciSocket: string;
}

/** Where a cloud's responder has its files. */
export function responderFiles(dir: string, cloud: string): ResponderFiles {
  const own = join(dir, cloud);
  return {
    strongswanConf: join(own, 'strongswan.conf'),
    swanctlConf: join(own, 'swanctl.conf'),
    viciSocket: join(own, 'charon.vici'),
  };
}

/** strongswan.conf; `kernelEsp`: the kernel does ESP, else the daemon itself does over a TUN device. */
export function strongswanConf(files: ResponderFiles, kernelEsp: boolean): string {
  const load = kernelEsp ? PLUGINS : PLUGINS.replace('kernel-netlink', 'kernel-libipsec kernel-netlink');
  return `charon-systemd {
  load = ${load}
  plugins {
    vici {
      socket = unix://${files.viciSocket}
    }
  }
  filelog {
    stdout {
      default = 1
      flush_line = yes
    }
  }
  start-scripts {
    swanctl = swanctl --load-all --noprompt --file ${files.swanctlConf} --uri unix://${files.viciSocket}
  }
}
`;
}

/** swanctl.conf: waits for whoever has the key, from behind any NAT. */
export function swanctlConf(cloud: (typeof clouds)[number]): string {
  const { local, remote, psk } = tunnels[cloud];
  return `connections {
  device {
    version = 2
    local_addrs = ${tunnels[cloud].address}
    remote_addrs = %any
    proposals = aes256gcm16-prfsha384-ecp384, aes256-sha256-modp2048
    unique = replace
    local {
      auth = psk
      id = ${tunnels[cloud].address}
    }
    remote {
      auth = psk
      id = %any
    }
    children {
      net {
        local_ts = ${local}
        remote_ts = ${remote}
        esp_proposals = aes256gcm16-ecp384, aes256-sha256-modp2048, aes256gcm16, aes256-sha256
      }
    }
  }
}
secrets {
  ike-device {
    secret = "${psk}"
  }
}
`;
}

/** All files of all responders: path and content. */
export function responderContents(dir: string, kernelEsp: boolean): [path: string, content: string][] {
  return clouds.flatMap(cloud => {
    const files = responderFiles(dir, cloud);
    return [
      [files.strongswanConf, strongswanConf(files, kernelEsp)],
      [files.swanctlConf, swanctlConf(cloud)],
    ] satisfies [string, string][];
  });
}
