"""The server with one admin token."""

import base64
import http.client
import json
import subprocess


class Server:
    def __init__(self, binary, data):
        self.binary, self.data = str(binary), f"--data-dir={data}"
        self.token_file = data.with_name("token.json")

    def __enter__(self):
        create = [self.binary, "create", "--admin", "--offline", "--output-file", str(self.token_file)]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
        self.secret = json.loads(self.token_file.read_text())["token"]
        serve = [self.binary, "serve", "--http-bind=127.0.0.1:0", f"--admin-token-file={self.token_file}", self.data]
        self.process = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().strip().removeprefix("listening on http://")
        return self

    def __exit__(self, *_failure):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def delete(self, target, authorization=None, query=""):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("DELETE", target + query, headers={"Authorization": authorization} if authorization else {})
        status = connection.getresponse().status
        connection.close()
        return status

    @staticmethod
    def credentials(secret):
        """The secret by each of the document's security schemes."""
        basic = base64.b64encode(f"anyone:{secret}".encode()).decode()
        headers = [f"Bearer {secret}", f"Token {secret}", f"Basic {basic}"]
        return [*({"authorization": header} for header in headers), {"query": f"&u=anyone&p={secret}"}]
