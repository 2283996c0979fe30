/** Which protocol a place speaks. */
import { openHttpStore } from './http/http-store.ts';
import type { RemoteContext, RemoteStore } from './remote-store.ts';
import { openS3Store } from './s3/s3-store.ts';
import { openSshStore } from './ssh/ssh-store.ts';

/** @throws RemoteError, with any of its codes. */
export function openRemoteStore(context: RemoteContext): Promise<RemoteStore> {
  switch (context.place.kind) {
    case 'ssh':
      return openSshStore(context);
    case 'http':
      return openHttpStore(context);
    case 's3':
      return openS3Store(context);
  }
}
