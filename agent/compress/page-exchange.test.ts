import t from 'tap';
import { createExchange, PageExchange } from './page-exchange.ts';

t.test('a batch passes to a worker and back', (t) => {
  const writer = createExchange(1, 4096, 5000);
  const worker = new PageExchange(writer.shape);
  const ticket = worker.draw(0);
  t.equal(ticket, 0, 'drawn before it is offered');
  writer.batch(0).pfns.set([7, 2 ** 40]);
  writer.offer(0, { pageCount: 2, shareZero: true, level: -1 });
  t.ok(worker.waitForBatch(ticket));
  t.same(worker.order(ticket), { pageCount: 2, shareZero: true, level: -1 });
  t.same([...worker.batch(ticket).pfns.subarray(0, 2)], [7, 2 ** 40]);
  worker.batch(ticket).lengths[1] = 123;
  worker.batch(ticket).data.fill(0x5a);
  worker.finish(ticket, true);
  t.ok(writer.collect(0));
  t.equal(writer.batch(0).lengths[1], 123);
  t.equal(writer.batch(0).data.length, 64 * 4096 + 5000, 'room for pages that do not shrink, and the codec’s bound for the last');
  t.end();
});

t.test('slots do not overlap', (t) => {
  const exchange = createExchange(2, 65536, 70000);
  for (let ticket = 0; ticket < exchange.slots; ticket++) {
    const { pfns, lengths, data } = exchange.batch(ticket);
    pfns.fill(ticket);
    lengths.fill(ticket);
    data.fill(ticket);
    exchange.offer(ticket, { pageCount: ticket + 1, shareZero: false, level: undefined });
  }
  for (let ticket = 0; ticket < exchange.slots; ticket++) {
    const { pfns, lengths, data } = exchange.batch(ticket);
    t.ok([pfns, lengths, data].every((array) => array.every((value) => value === ticket)));
    t.same(exchange.order(ticket), { pageCount: ticket + 1, shareZero: false, level: undefined });
  }
  t.end();
});

t.test('what a worker could not do or did not live to do comes back to the writer', (t) => {
  const writer = createExchange(3, 4096, 4096);
  const workers = new PageExchange(writer.shape);
  for (const ticket of [0, 1, 2]) writer.offer(ticket, { pageCount: 1, shareZero: false, level: undefined });
  const failing = workers.draw(0);
  const dying = workers.draw(1);
  const working = workers.draw(2);
  t.same(
    [failing, dying, working].map((ticket) => writer.isOver(ticket)),
    [false, false, false],
  );
  workers.finish(failing, false);
  workers.leave(1);
  workers.finish(working, true);
  t.same(
    [failing, dying, working].map((ticket) => writer.isOver(ticket)),
    [true, false, true],
  );
  t.notOk(writer.collect(failing), 'failed');
  t.notOk(writer.collect(dying), 'its worker is gone');
  t.ok(writer.collect(working));
  t.end();
});

t.test('the writer draws what is offered and drawn by nobody, and nothing else', (t) => {
  const writer = createExchange(1, 4096, 4096);
  const worker = new PageExchange(writer.shape);
  t.equal(writer.drawOffered(0), undefined, 'nothing is offered');
  for (const ticket of [0, 1, 2]) writer.offer(ticket, { pageCount: 1, shareZero: false, level: undefined });
  t.equal(worker.draw(0), 0);
  t.equal(writer.drawOffered(3), 1);
  t.equal(writer.drawOffered(3), 2);
  t.equal(writer.drawOffered(3), undefined);
  writer.finish(1, true);
  t.ok(writer.collect(1));
  t.equal(worker.draw(0), 3, 'and then nobody else draws them');
  t.end();
});

t.test('after stop() no worker waits', (t) => {
  const exchange = createExchange(1, 4096, 4096);
  const ticket = exchange.draw(0);
  exchange.stop();
  t.notOk(exchange.waitForBatch(ticket));
  exchange.leave(0);
  t.end();
});
