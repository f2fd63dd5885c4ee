package metrics

import (
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"
)

// messages makes protobuf messages of series, a family at a time. Prometheus asks for them where
// it wants native histograms, which no text format has. They cost as much as client_golang does.
type messages struct {
	encoder expfmt.Encoder
	open    *dto.MetricFamily // nil: none
	labels  []*dto.LabelPair  // of the series that is written
}

// family begins a family, and hands on the one before.
func (m *messages) family(f *family) error {
	err := m.end()
	kind := dto.MetricType_GAUGE
	if f.counter {
		kind = dto.MetricType_COUNTER
	}
	m.open = &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &kind}
	return err
}

func (m *messages) label(name, value string) {
	m.labels = append(m.labels, &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)})
}

func (m *messages) value(v float64) {
	series := &dto.Metric{Label: m.labels}
	if m.open.GetType() == dto.MetricType_COUNTER {
		series.Counter = &dto.Counter{Value: &v}
	} else {
		series.Gauge = &dto.Gauge{Value: &v}
	}
	m.open.Metric = append(m.open.Metric, series)
	m.labels = nil
}

// end hands on the family that is open. One without series is none in protobuf.
func (m *messages) end() error {
	done := m.open
	m.open = nil
	if len(done.GetMetric()) == 0 {
		return nil
	}
	return m.encoder.Encode(done)
}
