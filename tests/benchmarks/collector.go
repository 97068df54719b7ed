// A collector of client_golang with the samples that the exporter has of as many projects; prints its port.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var (
	services = []string{"detect", "compare", "search", "live_detect"}
	ofJob    = []string{"project", "collector"}

	info       = describe("frs_project_info", "project", "project_id", "region", "credential", "auth")
	required   = describe("frs_subservice_required", "project", "subservice")
	subscribed = describe("frs_subscribed", "project", "subservice")
	created    = describe("frs_subscription_create_timestamp_seconds", "project", "subservice")
	ofProject  = []*prometheus.Desc{
		describe("frs_max_face_set_number", "project"), describe("frs_service_frozen", "project"),
		describe("frs_subservices_ignored", "project"),
	}
	counters = []*prometheus.Desc{
		describe("frs_polls_total", ofJob...), describe("frs_poll_failures_total", ofJob...),
	}
	gauges = []*prometheus.Desc{
		describe("frs_up", ofJob...), describe("frs_poll_duration_seconds", ofJob...),
		describe("frs_last_success_timestamp_seconds", ofJob...), describe("frs_last_poll_timestamp_seconds", ofJob...),
		describe("frs_poll_interval_seconds", ofJob...),
	}
)

func describe(name string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, "What it is.", labels, nil)
}

type fleet struct{ names, ids []string }

func (fleet) Describe(chan<- *prometheus.Desc) {}

func (f fleet) Collect(found chan<- prometheus.Metric) {
	tell := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		found <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	for number, name := range f.names {
		tell(info, prometheus.GaugeValue, 1, name, f.ids[number], "cn-north-4", "ops-keys", "ak_sk")
		tell(required, prometheus.GaugeValue, 1, name, "detect")
		for _, desc := range ofProject {
			tell(desc, prometheus.GaugeValue, 10, name)
		}
		for _, service := range services {
			tell(subscribed, prometheus.GaugeValue, 1, name, service)
			tell(created, prometheus.GaugeValue, 1725322608, name, service)
		}
		for _, desc := range counters {
			tell(desc, prometheus.CounterValue, float64(number), name, "subscription")
		}
		for _, desc := range gauges {
			tell(desc, prometheus.GaugeValue, 1.8e9+float64(number)/7, name, "subscription")
		}
	}
}

func main() {
	projects, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	var f fleet
	for number := 0; number < projects; number++ {
		f.names = append(f.names, fmt.Sprintf("project-%05d", number))
		f.ids = append(f.ids, fmt.Sprintf("%032x", number*7919))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(f)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
}
