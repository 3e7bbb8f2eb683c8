"""What each help ends with: examples, and exit codes that tell more than 0 and 2."""

ALL = """\
examples:
  otel-openstack receive                                     keep the spans of running services
  otel-openstack record -o save.md -- openstack image save --file disk.img cirros
  otel-openstack list --since 15m                            which traces are there
  export-to-markdown latest -o latest.md                     the newest one as a document
  otel-openstack find req-28c2ab3a-0012-4a6a-8875-ae048973164e

exit codes: 0 done; 2 error, or nothing was found; 130 Ctrl-C; record, diff and some others tell more by theirs

tab-completion:
  eval "$(register-python-argcomplete otel-openstack)"
"""

RECEIVE = """\
examples:
  otel-openstack receive                                     both protocols on loopback
  otel-openstack receive --http 127.0.0.1:4318 --store run.db
  otel-openstack receive --keep-days 7 --keep-megabytes 2000
"""

RECORD = """\
The services must run under opentelemetry-instrument and send their spans to the same receiver (127.0.0.1:4318 is
where they send them if nobody told them otherwise).

examples:
  otel-openstack record -o save.md -- openstack image save --file disk.img cirros
  otel-openstack record --format diagram -- openstack server list
  otel-openstack record --format page -o docs/image-save.md -- openstack image save --file disk.img cirros
  otel-openstack record --endpoint http://127.0.0.1:4318 --from traces.db -o save.md -- openstack token issue

exit codes: those of the command, which also keeps its output; 2 error
"""

EXPORT = """\
examples:
  otel-openstack export latest
  otel-openstack export 4bf92f3577b34da6a3ce929d0e0e4736 -o save.md
  otel-openstack export latest --update docs/image-save.md
  otel-openstack export req-28c2ab3a-0012-4a6a-8875-ae048973164e --from '/var/lib/otel/traces*.json'
  otel-openstack export latest --from jaeger+https://jaeger.lab:16686
  OTEL_OPENSTACK_SOURCE_HEADERS=X-Scope-OrgID=lab otel-openstack export latest --from tempo+http://127.0.0.1:3200
  otel-openstack export latest --select no-token-validation --select rules.toml
  otel-openstack export latest --link grafana+https://grafana.lab --link jaeger+https://jaeger.lab:16686
  otel-openstack export latest --format html -o save.html      one file for any browser
  otel-openstack export latest --format curl -o again.sh        the client's calls, for a shell

rules.toml, each table as often as needed (docs/selection.md):
  [[drop]]                          or keep, fold; shorten has a member and entries
  callee = "keystone"
  path = "/v3/users/{id}"

exit codes: 0 written; 1 written by --update, with conflicts in it; 2 error, and nothing was written
"""

DIFF = """\
Ids, times, tokens, addresses and versions of programs are taken for what they stand for. A source stands for its latest
trace. The exit code is 0 when both mean the same, 1 when they differ, 2 after an error: a job can guard a flow.

examples:
  otel-openstack diff image-save.md latest
  otel-openstack diff zed.md traces.db --select no-token-validation --format markdown -o upgrade.md
  otel-openstack diff 4bf92f3577b34da6a3ce929d0e0e4736 latest --strict
"""

SITE = """\
Needs the extra [site], which is mkdocs-material. Two scripts (one is the diagrams' Mermaid) are taken from npm
once; whoever visits the site asks no other host for anything. It opens from disk, too. An index.md
or README.md of yours starts its index.

examples:
  otel-openstack site build docs/recordings -o site          then open site/index.html
  otel-openstack site serve docs/recordings                  and see what you write
  otel-openstack site build docs/recordings -o site --name 'Our cloud' --scripts scripts
"""

IMPORT = """\
examples:
  otel-openstack import image-save.md                        prints the trace id as its last line
  otel-openstack import image-set.log --into traces.db
  otel-openstack import image-save.md --into otlp+http://127.0.0.1:4318
  otel-openstack import image-save.md --into otlp+grpc://127.0.0.1:4317
"""

LIST = """\
examples:
  otel-openstack list --since 15m --service glance-api
  otel-openstack list --from spans.jsonl --json
  otel-openstack list --since 1h --from tempo+http://127.0.0.1:3200
"""

FIND = """\
examples:
  otel-openstack find 1a2e4a3d-05ce-4825-86b9-219ea2be036d   an X-Requestshook-Request-Id
  otel-openstack find req-28c2ab3a-0012-4a6a-8875-ae048973164e --json

exit codes: 0 found; 2 no span carries it, or error
"""

DOCTOR = """\
Run it with the environment variables that the service has. Nothing is started, nothing is changed.

examples:
  otel-openstack doctor
  otel-openstack doctor --python /opt/glance/bin/python -- uwsgi --ini /etc/glance/glance-api-uwsgi.ini

exit codes: 0 all is well; 1 something is not; 2 error
"""
