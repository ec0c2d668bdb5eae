"""A stock python-socketio client that does what it is told by stdin and tells by stdout what it hears, one JSON value to a line.

Its argument is {"url", "token", "transports", "ascii"}; `ascii` asks for JSON in ASCII only. A line of stdin is {"event", "data"}; the
end of stdin disconnects.
"""
import functools
import json
import sys

import engineio
import socketio

asked = json.loads(sys.argv[1])
# By default the library gives up when more than 16 packets come in one answer to a poll.
engineio.payload.Payload.max_decode_packets = 10_000


def tell(**what):
    sys.stdout.write(json.dumps(what) + '\n')
    sys.stdout.flush()


class InOrder(engineio.Client):
    """The library gives each message to a thread of its own, which would hide in which order they came."""

    def _trigger_event(self, event, *args, **more):
        return super()._trigger_event(event, *args, **{**more, 'run_async': False})


class Client(socketio.Client):
    def _engineio_client_class(self):
        return InOrder

    def _handle_ack(self, namespace, id, data):
        tell(ack=id, reply=data[0])
        super()._handle_ack(namespace, id, data)

    def _handle_event(self, namespace, id, data):
        tell(event=data[0], data=data[1])


class Json:
    dumps = staticmethod(functools.partial(json.dumps, ensure_ascii=asked['ascii']))
    loads = staticmethod(json.loads)


client = Client(json=Json, reconnection=False, handle_sigint=False)
client.connect(asked['url'], auth={'token': asked['token']}, transports=asked['transports'])
for line in sys.stdin:
    request = json.loads(line)
    if request['event'] == 'transport':
        tell(event='transport', data=client.transport())
    else:
        client.emit(request['event'], request['data'], callback=lambda *reply: None)
client.disconnect()
tell(event='disconnect', data='connected' if client.connected else 'disconnected')
