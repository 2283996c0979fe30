/** Judges what came of it: one link that is up, with carrier and address, is enough to try. */
import { NetworkUpError } from './network-up-error.ts';
import { type BringUp, endLinks } from './run.ts';

/** Tells each link that leads somewhere. @throws NetworkUpError `network-up/down` */
export function requireWorking(run: BringUp): void {
  const present = run.routes.links();
  const judged = [...endLinks(run.network)].map((name) => {
    const link = present.find(({ index }) => index === run.links.get(name)?.index);
    const addresses = link === undefined ? [] : run.routes.addresses(link.index).filter((address) => !address.startsWith('fe80:'));
    const fault =
      link === undefined ? 'is not there' : !link.hasCarrier ? 'has no carrier' : addresses.length === 0 ? 'has no address' : undefined;
    return { name, link, addresses, fault };
  });
  for (const { name, link, addresses, fault } of judged) {
    if (fault === undefined) run.note(`${link?.name ?? name} (${link?.address}) is up with ${addresses.join(', ')}`);
  }
  if (judged.length > 0 && judged.every(({ fault }) => fault !== undefined)) {
    throw new NetworkUpError(
      'network-up/down',
      `Cannot put the network up: ${judged.map(({ name, fault }) => `${name} ${fault}`).join(', ')}`,
      {
        hint: 'Look at cable and switch, and at the first lines about the network in this log; the driver may need firmware that is not in the image',
      },
    );
  }
}
