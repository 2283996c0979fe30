/** The harness can fail: an unarmed machine, a failed step and a machine that ends without a word are each told apart, and none passes. */
import type { Scenario, ScenarioContext } from '../scenario.ts';

export const harness: Scenario = {
  name: 'harness',
  kernels: ['5.10'],
  async run(context) {
    await expectFailure(
      context,
      { crashkernel: '16M' },
      'true',
      /verdict "armed" is 7, the number of the failed step/,
      'a reservation too small to load anything',
    );
    await expectFailure(
      context,
      {},
      'false',
      /verdict "captured" is 3, the number of the failed step/,
      'a step of the capture kernel that fails',
    );
    await expectFailure(
      context,
      {},
      'reboot -f',
      /the machine ended without the verdict "captured"/,
      'a machine that ends without a verdict',
    );
  },
};

async function expectFailure(
  { checks, crash }: ScenarioContext,
  options: { readonly crashkernel?: string },
  run: string,
  message: RegExp,
  name: string,
): Promise<void> {
  const outcome = await crash({ ...options, steps: [{ name: 'only', run }] }).then(
    () => 'it passed',
    (error: Error) => error.message,
  );
  checks.ok(message.test(outcome), `${name} is an error of its own`, outcome);
  checks.ok(outcome.includes('--- the end of '), `${name}: the end of the console is shown`);
}
