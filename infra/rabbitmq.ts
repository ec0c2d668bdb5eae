import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './ports.ts'
import { answersBytes, listens } from './probe.ts'
import { type Part, type Server, server } from './server.ts'
import { bareEnv } from './settings.ts'
import { need } from './which.ts'

export interface RabbitMQ extends Server {
  /** Makes fresh virtual hosts with these names, all in one call (about a second, mostly `rabbitmqctl` starting). */
  addVhosts(names: string[]): Promise<void>
  /** Evaluates an Erlang expression inside the broker, as `rabbitmqctl eval` does; resolves with what it prints. */
  evaluate(expression: string): Promise<string>
}

/**
 * RabbitMQ as this user and not as the system's service: own node name, ports, cookie and name daemon (`epmd`), all on loopback, all its files in `folder`.
 * Not started yet. Its own virtual host is `/`, its user guest.
 */
export async function rabbitmq(folder: string): Promise<RabbitMQ> {
  // Debian's program on PATH changes to the user `rabbitmq`; the one beneath it runs as whoever starts it.
  const file = need('RabbitMQ', '/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server')
  const ctl = need('RabbitMQ', '/usr/lib/rabbitmq/bin/rabbitmqctl', 'rabbitmqctl')
  const dir = resolve(folder)
  const [port, dist, names] = [await freePort(), await freePort(), await freePort()]
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'enabled_plugins'), '[].\n')
  writeFileSync(join(dir, 'rabbitmq.conf'), CONF)
  const env = {
    ...bareEnv,
    HOME: dir, // the cookie
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(names),
    RABBITMQ_NODENAME: `parley${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(dist),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'none'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'none.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // Erlang's schedulers else spin while idle, which on two cores is taken from what is tested.
    RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD: 'none',
    // The script then becomes the server instead of waiting beside it: its process id is the broker's.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  const epmd: Part = {
    command: {
      file: need('epmd (of Erlang)', 'epmd'),
      args: ['-address', '127.0.0.1', '-port', String(names)],
      env,
      log: join(dir, 'epmd.log'),
    },
    ready: () => listens(names),
    readyWithinMs: 10_000,
  }
  const broker: Part = {
    command: { file, args: [], env, cwd: dir, log: join(dir, 'server.log') },
    ready: () => answersBytes(port, AMQP_HEADER, CONNECTION_START),
    readyWithinMs: 90_000,
  }
  const self = server({
    name: 'rabbitmq',
    kind: 'RabbitMQ',
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    parts: [epmd, broker],
    holder: 1,
  })
  async function evaluate(expression: string): Promise<string> {
    return (await execute(ctl, ['eval', `${expression}.`], { env, cwd: dir })).stdout
  }
  return {
    ...self,
    evaluate,
    async addVhosts(vhosts) {
      const list = vhosts.map((name) => `<<"${name}">>`).join(',')
      await evaluate(`lists:foreach(fun(V) -> ${ADD_VHOST} end, [${list}])`)
    },
  }
}

const execute = promisify(execFile)
const AMQP_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1')
/** A method frame on channel 0: the broker's first word on a connection. */
const CONNECTION_START = Buffer.from([1, 0, 0])
const ADD_VHOST =
  'ok = rabbit_vhost:add(V, <<"tests">>), rabbit_auth_backend_internal:set_permissions(<<"guest">>, V, <<".*">>, <<".*">>, <<".*">>, <<"tests">>)'

/** The disk limit is RabbitMQ's smallest, since test machines are full; the write-ahead log of quorum queues is else 512 MB. */
const CONF = `disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 33554432
vm_memory_high_watermark.absolute = 1GB
log.file = false
log.console = true
log.console.level = warning
`
