/** The error of the tests: why one could not be made at all. What a test found is no error but its result. */
import { KcaptureError } from '../../errors.ts';

/** Codes: `test/no-program`, `test/no-kernel`, `test/not-here`, `test/refused`, `test/no-marker`, `test/probe`. */
export class TestError extends KcaptureError {}
