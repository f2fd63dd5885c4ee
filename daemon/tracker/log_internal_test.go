package tracker

import (
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// A time that is not known is no field: "next_at: 00:00:00.000" would say midnight.
func TestTimeField(t *testing.T) {
	if f := timeField("next_at", time.Time{}); f.Type != zapcore.SkipType {
		t.Errorf("%+v", f)
	}
	if f := timeField("next_at", time.Unix(1, 0)); f.Type == zapcore.SkipType || f.Key != "next_at" {
		t.Errorf("%+v", f)
	}
}
