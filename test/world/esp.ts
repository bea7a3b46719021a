import { run } from '../../shared/kernel/run.ts';

const STATE = [
  'src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x100 mode tunnel',
  'aead rfc4106(gcm(aes)) 0x0102030405060708090a0b0c0d0e0f1011121314 128',
].join(' ');

/** Whether this kernel does ESP: tried in a namespace that is gone at once. */
export function hasKernelEsp(): Promise<boolean> {
  return run('unshare', ['--net', 'ip', 'xfrm', 'state', 'add', ...STATE.split(' ')]).then(
    () => true,
    () => false,
  );
}
