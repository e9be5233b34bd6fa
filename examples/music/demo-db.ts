/** Starts the demo's database again, with everything in it, and a mail server that prints alerts; Ctrl-C stops both. */
import { once } from 'node:events'
import { startMailServer } from './mail.ts'
import { DATABASE, startServer, writeEnvironment } from './server.ts'
import { say } from './story.ts'

await using server = await startServer()
await using mail = await startMailServer(({ subject, text }) => say('', `Mail: ${subject}`, text))
if ((await server.query(`SELECT FROM pg_database WHERE datname = '${DATABASE}'`)).length === 0) {
  process.stderr.write('demo: the database is empty; run `npm run demo` first\n')
  process.exitCode = 1
} else {
  await writeEnvironment(server, mail.url)
  say(
    `The music database is at ${server.url(DATABASE)}`,
    '.env of the project holds this address. In another terminal:',
    '  node_modules/.bin/tidemark run -p examples/music --target demo',
    'Ctrl-C stops it.',
  )
  // An open listener keeps the process; the signal ends the wait, and the servers stop in order.
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}
