"""Figures for machines and a page for people, over HTTP, where `[metrics] listen` asks for it.

A package of rooms: `meter` reads, `health` judges, `measures` and `metrics` put into Prometheus' words,
`answers` speaks HTTP, `listener` and `port` own the port. Imported only when it is configured.
Changes nothing.
"""
