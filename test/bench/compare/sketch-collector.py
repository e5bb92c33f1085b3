"""The collector of the sketch that Tidegate began as, in its least form: a queue, a thread, execute_batch and a commit.

python3 sketch-collector.py CONNECTION COUNT: feeds itself, as the sketch's example does, once a line comes on standard input;
prints `stored` once the last point is committed, and waits for another line. All points of a batch that fails are lost, as
there.
"""

import sys
import time
from datetime import datetime
from queue import Empty, Queue
from threading import Event, Thread

import psycopg2
from psycopg2.extras import execute_batch

INSERT = "INSERT INTO iot_data (device_id, metric_name, value, timestamp) VALUES (%s, %s, %s, %s);"


class Collector:
    def __init__(self, connection, count, batch_size=10000, flush_interval=1.0):
        self.connection = psycopg2.connect(connection)
        self.count = count
        self.batch_size = batch_size
        self.flush_interval = flush_interval
        self.queue = Queue(maxsize=100000)
        self.stored = Event()
        Thread(target=self.write, daemon=True).start()

    def collect(self, device_id, metric_name, value):
        self.queue.put((device_id, metric_name, value, datetime.now()))

    def write(self):
        cursor = self.connection.cursor()
        points = []
        seen = 0
        last_flush = time.time()
        while True:
            try:
                points.append(self.queue.get(timeout=0.1))
            except Empty:
                pass
            now = time.time()
            is_due = len(points) >= self.batch_size or now - last_flush >= self.flush_interval
            if not (is_due and points):
                continue
            try:
                execute_batch(cursor, INSERT, points, page_size=self.batch_size)
                self.connection.commit()
            except psycopg2.Error as error:
                print(error, file=sys.stderr)
                self.connection.rollback()
            seen += len(points)
            points = []
            last_flush = now
            if seen == self.count:
                self.stored.set()


connection, count = sys.argv[1], int(sys.argv[2])
collector = Collector(connection, count)
print("ready", flush=True)
sys.stdin.readline()
for i in range(count):
    collector.collect(f"device_{i % 1000}", "temperature", 20.0 + (i % 100) / 10.0)
collector.stored.wait()
print("stored", flush=True)
sys.stdin.readline()
