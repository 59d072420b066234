"""The HTTP API: painting for programs and for the page, within limits and behind a guard.

A request's way in: `guard` (who is served), `body_limit` (how much may be sent), `work_requests` (a place in hand for
each request for work), then one of the `routes`, which reads its `forms` and puts its steps together from the
`service`. There `style_list` and `thumbnails` know the styles, `admission` lets work into threads when its turn has
come, `paint_job` is that work, and `stream` sends what comes piece by piece. `answers` and `problems` are what is
answered; `metrics` and `readiness` tell those who look after the server; `app` puts all together under `limits`, and
`server` runs it.

Nothing of a request outlives it, and nothing that one server knows another needs to: many may stand behind one address.
"""
