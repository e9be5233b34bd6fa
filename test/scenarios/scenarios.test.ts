/** Every scenario of this folder on a lake in a folder. test/interop/scenarios-stores.test.ts plays them in stores. */
import { scenarioTests } from '../support/play-scenario.ts'

await scenarioTests(() => undefined)
